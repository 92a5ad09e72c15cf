"""What libraries make anew for each client and each instance though it is always the same: here it is made once.

Before, that was half of what a test took that exports a day. Only what follows from its arguments alone belongs here.
Processes that tests start do without.
"""

import functools
import inspect
import os

import alembic.script
import botocore.hooks
import botocore.loaders
import botocore.session
import dagster._config.pythonic_config.resource as dagster_resource
import httpx._transports.default as httpx


def install():
    # To stamp an instance's database, alembic runs the files of all of Dagster's migrations.
    directory = alembic.script.ScriptDirectory
    directory.from_config = _kept(
        directory.from_config, lambda config: config.get_main_option("script_location")
    )
    # A resource infers the schema of its settings from its class, each time that it is made.
    dagster_resource.infer_schema_from_config_class = _kept(
        dagster_resource.infer_schema_from_config_class,
        lambda cls, fields_to_omit=(), **others: None if others else (cls, *sorted(fields_to_omit)),
    )
    # A session reads its megabytes of descriptions of AWS, and looks at all of its handlers' arguments.
    botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
    botocore.hooks.accepts_kwargs = _kept(botocore.hooks.accepts_kwargs, _if_function)
    alias = functools.cache(botocore.hooks.EventAliaser(None)._alias_event_name)
    botocore.hooks.EventAliaser._alias_event_name = lambda _, name: alias(name)
    # A client reads all certificates, though the servers of tests speak plain HTTP.
    httpx.create_ssl_context = _kept(httpx.create_ssl_context, _certificates)


def _kept(make, key):
    """Makes for each key once; for the key None each time."""
    known = {}

    @functools.wraps(make)
    def kept(*args, **kwargs):
        at = key(*args, **kwargs)
        if at is None:
            return make(*args, **kwargs)
        if at not in known:
            known[at] = make(*args, **kwargs)
        return known[at]

    return kept


def _if_function(it):
    return it if inspect.isfunction(it) else None  # not a method, whose client would never be let go


def _certificates(verify=True, cert=None, trust_env=True):
    where = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return (trust_env, *where) if verify is True and not cert else None
