"""The field tables of the record, compared with the models of Genesys Cloud's official SDK."""

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from types import ModuleType

import pyarrow as pa
import pytest

from genesys_dagster.records.field import Columns
from genesys_dagster.records.model import conversation

CONVERSATION = Columns(conversation.CONVERSATION).schema

SDK_TYPES = {
    "str": pa.string(),
    "datetime": pa.timestamp("ms", "UTC"),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "dict(str, str)": pa.map_(pa.string(), pa.string()),
}

# Integers in the SDK, numbers here: scores and metric values can have a fraction.
FRACTIONS = {
    "evaluations[].oTotalCriticalScore",
    "evaluations[].oTotalScore",
    "surveys[].oSurveyTotalScore",
    "participants[].sessions[].metrics[].value",
}

SESSION = "participants[].sessions[]"
PERSONAL = {
    "externalTag",
    "participants[].attributes",
    "participants[].externalContactId",
    "participants[].participantName",
    f"{SESSION}.addressFrom",
    f"{SESSION}.addressOther",
    f"{SESSION}.addressSelf",
    f"{SESSION}.addressTo",
    f"{SESSION}.ani",
    f"{SESSION}.bcc[]",
    f"{SESSION}.callbackNumbers[]",
    f"{SESSION}.callbackUserName",
    f"{SESSION}.cc[]",
    f"{SESSION}.destinationAddresses[]",
    f"{SESSION}.dnis",
    f"{SESSION}.extendedDeliveryStatus",
    f"{SESSION}.flow.entryReason",
    f"{SESSION}.flow.transferTargetAddress",
    f"{SESSION}.flow.transferTargetName",
    f"{SESSION}.journeyCustomerId",
    f"{SESSION}.journeyCustomerSessionId",
    f"{SESSION}.outboundContactId",
    f"{SESSION}.protocolCallId",
    f"{SESSION}.remote",
    f"{SESSION}.remoteNameDisplayable",
    f"{SESSION}.screenShareAddressSelf",
    f"{SESSION}.segments[].properties[].value",
    f"{SESSION}.segments[].subject",
    f"{SESSION}.segments[].wrapUpNote",
    f"{SESSION}.segments[].wrapUpTags[]",
    f"{SESSION}.sessionDnis",
    f"{SESSION}.videoAddressSelf",
}


def walk(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[tuple[str, pa.Field, pa.DataType]]:
    """Every field at every depth: path ("participants[].sessions[].ani"), field, type without its list."""
    for field in fields:
        is_list = pa.types.is_list(field.type)
        kind = field.type.value_type if is_list else field.type
        path = f"{prefix}{field.name}" + ("[]" if is_list else "")
        yield path, field, kind
        if pa.types.is_struct(kind):
            yield from walk(kind, f"{path}.")


def walk_sdk(models: ModuleType, model: type, prefix: str = "") -> Iterator[tuple[str, str, bool]]:
    """Every property at every depth: path, type name without its list, whether values are enumerated."""
    declared = model()
    for attribute, name in declared.attribute_map.items():
        in_list = re.fullmatch(r"list\[(.+)\]", declared.swagger_types[attribute])
        kind = in_list.group(1) if in_list else declared.swagger_types[attribute]
        path = f"{prefix}{name}" + ("[]" if in_list else "")
        setter = getattr(model, attribute).fset
        yield path, kind, "allowed_values" in inspect.getsource(setter)
        if kind not in SDK_TYPES:
            yield from walk_sdk(models, getattr(models, kind), f"{path}.")


def leaves() -> dict[str, pa.DataType]:
    return {path: kind for path, _, kind in walk(CONVERSATION) if not pa.types.is_struct(kind)}


def marked(flag: bytes) -> set[str]:
    return {path for path, field, _ in walk(CONVERSATION) if field.metadata.get(flag) == b"true"}


@pytest.fixture(scope="module")
def sdk() -> list[tuple[str, str, bool]]:
    models = importlib.import_module("PureCloudPlatformClientV2.models")  # takes seconds
    return list(walk_sdk(models, models.AnalyticsConversation))


@pytest.mark.slow
def test_the_record_has_the_names_of_the_sdk_at_every_depth_and_in_its_order(sdk):
    assert [path for path, _, _ in walk(CONVERSATION)] == [path for path, _, _ in sdk]


@pytest.mark.slow
def test_every_leaf_has_the_type_that_the_sdk_declares_except_fractions(sdk):
    declared = {path: SDK_TYPES[kind] for path, kind, _ in sdk if kind in SDK_TYPES}
    assert {declared[path] for path in FRACTIONS} == {pa.int64()}
    assert leaves() == declared | dict.fromkeys(FRACTIONS, pa.float64())


def test_the_record_has_211_leaves():
    assert len(leaves()) == 211


def test_no_name_occurs_twice_in_one_object():
    paths = [path for path, _, _ in walk(CONVERSATION)]
    assert len(paths) == len(set(paths))


def test_every_field_says_in_one_short_sentence_what_it_means():
    descriptions = {path: field.metadata[b"description"].decode() for path, field, _ in walk(CONVERSATION)}
    sentence = re.compile(r"[A-Z]\S*( \S+){2,}\.")
    assert [
        path for path, text in descriptions.items() if not sentence.fullmatch(text) or len(text) > 110
    ] == []


def test_only_the_conversation_id_is_required():
    assert [path for path, field, _ in walk(CONVERSATION) if not field.nullable] == ["conversationId"]


@pytest.mark.slow
def test_every_enumeration_of_the_sdk_gets_a_parquet_dictionary(sdk):
    enumerated = {path for path, _, has_enumeration in sdk if has_enumeration}
    assert len(enumerated) > 15
    assert enumerated - marked(b"dictionary") == set()


def test_only_texts_get_a_parquet_dictionary():
    assert {leaves()[path] for path in marked(b"dictionary")} == {pa.string()}


def test_ids_with_one_value_per_conversation_session_or_person_get_no_dictionary():
    kinds = "conversation|participant|session|peer|room|contact|call|bridge|evaluation|survey"
    unique = re.compile(rf"({kinds})Ids?$", re.IGNORECASE)
    assert {path for path in marked(b"dictionary") if unique.search(path.removesuffix("[]"))} == set()


def test_exactly_the_fields_that_can_identify_a_person_are_personal():
    assert marked(b"personal") == PERSONAL
