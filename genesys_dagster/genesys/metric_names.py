"""Names of metrics, as the SDK lists them; metrics themselves are free strings."""

# In both of SDK 269 models/conversation_aggregation_view.py (what aggregates know) and
# models/conversation_detail_query_predicate.py (what conversations can be filtered by). Only aggregates know tWait,
# oServiceLevel, oServiceTarget and oCallbackServiceLevel.
COMMON_METRICS: tuple[str, ...] = (
    "nAgentDeclined", "nAlertExpired", "nBlindTransferred", "nBotInteractions", "nCallbackAttempts",
    "nCallbackOverSla", "nCallbackScheduled", "nCfcOffered", "nCobrowseSessions", "nConnected", "nConsult",
    "nConsultTransferred", "nConversations", "nError", "nOffered", "nOutbound", "nOutboundAbandoned",
    "nOutboundAttempted", "nOutboundConnected", "nOverSla", "nStateTransitionError", "nTakeover", "nTransferred",
    "oAudioMessageCount", "oExternalAudioMessageCount", "oExternalMediaCount", "oMediaCount", "oMessageCount",
    "oMessageSegmentCount", "oMessageTurn", "oSkillExpressionApplications", "tAbandon", "tAcd", "tActiveCallback",
    "tActiveCallbackComplete", "tAcw", "tAgentResponseTime", "tAgentVideoConnected", "tAlert", "tAnswered",
    "tAverageAgentResponseTime", "tAverageCustomerResponseTime", "tBarging", "tCallbackAbandon",
    "tCallbackConnect", "tCallbackNotReached", "tCallbackVirtualWait", "tCfcAbandon", "tCfcAcd", "tCfcAnswered",
    "tCfcFlowOut", "tCoaching", "tCoachingComplete", "tConnected", "tContacting", "tDialing", "tFirstConnect",
    "tFirstDial", "tFirstEngagement", "tFirstResponse", "tFlowOut", "tHandle", "tHeld", "tHeldComplete", "tIvr",
    "tMonitoring", "tMonitoringComplete", "tNotResponding", "tPark", "tParkComplete", "tScreenMonitoring",
    "tShortAbandon", "tSnippetRecord", "tTalk", "tTalkComplete", "tTransmitting", "tUserResponseTime",
    "tVoicemail",
)  # fmt: skip

# Made of other metrics: numerator, denominator, ratio and target (SDK 269 models/statistical_summary.py).
SERVICE_LEVEL = "oServiceLevel"

# Of these it is not known whether detail records carry them. The first three are not among the metrics that are
# emitted one by one for a session (SDK 269 models/conversation_metrics_topic_conversation_metric_record.py). None of
# the published records that have metrics carries an observation (o…), or nConversations, though each is a conversation;
# that they never do is inferred.
PERHAPS_NOT_IN_RECORDS = frozenset(
    {"nCallbackOverSla", "nStateTransitionError", "tShortAbandon", "nConversations"}
    | {name for name in COMMON_METRICS if name.startswith("o")}
)
