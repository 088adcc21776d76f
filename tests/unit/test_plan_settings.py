"""What is baked into a generated file, from a real profile too, and what never."""

import json
import os
import subprocess
import sys

import pytest

from metaflow_extensions.dagster.driver.environ import is_foreign
from metaflow_extensions.dagster.plan.settings import bake_settings

USER = {"METAFLOW_OWNER": "ada", "METAFLOW_USER": "ada"}
ENV = {"USER": "ada"}


def test_only_listed_settings_are_baked():
    config = {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_SERVICE_URL": "https://metadata.example/api",
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://bucket/metaflow",
        "METAFLOW_CONDA_CHANNELS": "conda-forge",
        "METAFLOW_SERVICE_AUTH_KEY": "hidden",
        "METAFLOW_SERVICE_HEADERS": '{"x-api-key": "hidden"}',
        "METAFLOW_DATATOOLS_CLIENT_PARAMS": '{"aws_secret_access_key": "hidden"}',
        "METAFLOW_DATATOOLS_SESSION_VARS": '{"aws_session_token": "hidden"}',
        "METAFLOW_ARGO_EVENTS_WEBHOOK_AUTH": "hidden",
        "METAFLOW_AWS_SANDBOX_API_KEY": "hidden",
        "METAFLOW_KUBERNETES_SANDBOX_INIT_SCRIPT": "hidden",
        # Of secrets these are the names.
        "METAFLOW_KUBERNETES_SECRETS": "aws-keys",
        "METAFLOW_KUBERNETES_CONDA_ARCH": "linux-aarch64",
        "METAFLOW_KUBERNETES_IMAGE_PULL_SECRETS": '["registry"]',
        "METAFLOW_KUBERNETES_NODE_SELECTOR": "disk=ssd",
        "METAFLOW_BATCH_DEFAULT_TAGS": '{"cost": "a-1"}',
        "METAFLOW_BATCH_EMIT_TAGS": "1",
        "METAFLOW_OTEL_ENDPOINT": "https://traces.example",
        "METAFLOW_SOMETHING_NEW": "hidden",
        "DATASTORE_SYSROOT_S3": "not Metaflow's",
    }
    baked = bake_settings({**ENV, "AWS_SECRET_ACCESS_KEY": "hidden"}, config)
    assert baked == {
        "METAFLOW_BATCH_DEFAULT_TAGS": '{"cost": "a-1"}',
        "METAFLOW_BATCH_EMIT_TAGS": "1",
        "METAFLOW_CONDA_CHANNELS": "conda-forge",
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://bucket/metaflow",
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_KUBERNETES_CONDA_ARCH": "linux-aarch64",
        "METAFLOW_KUBERNETES_IMAGE_PULL_SECRETS": '["registry"]',
        "METAFLOW_KUBERNETES_NODE_SELECTOR": "disk=ssd",
        "METAFLOW_KUBERNETES_SECRETS": "aws-keys",
        "METAFLOW_OTEL_ENDPOINT": "https://traces.example",
        "METAFLOW_SERVICE_URL": "https://metadata.example/api",
        **USER,
    }
    assert list(baked) == sorted(baked)


CREDENTIALS = {
    "password in a URL": ("METAFLOW_SERVICE_URL", "https://ada:hunter2@metadata.example"),
    "token as user": ("METAFLOW_SERVICE_URL", "https://hunter2@metadata.example"),
    "no scheme": ("METAFLOW_SERVICE_URL", "ada:hunter2@metadata.example"),
    "signed query": ("METAFLOW_S3_ENDPOINT_URL", "https://s3.example/?X-Amz-Signature=hunter2"),
    "shared access signature": (
        "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT",
        "https://account.blob.example?sv=1&sig=hunter2",
    ),
    "second of several": (
        "METAFLOW_CONDA_CHANNELS",
        "conda-forge,https://ada:hunter2@conda.example/main",
    ),
    "conda token": ("METAFLOW_CONDA_CHANNELS", "https://conda.example/t/hunter2/main"),
    "not a URL after all": ("METAFLOW_SERVICE_URL", "https://[hunter2"),
}


@pytest.mark.parametrize("case", CREDENTIALS)
def test_credentials_in_values_are_refused(case):
    variable, value = CREDENTIALS[case]
    warnings = []
    assert bake_settings(ENV, {variable: value}, warn=warnings.append) == USER
    (warning,) = warnings
    assert variable in warning
    assert "hunter2" not in warning
    assert bake_settings(ENV, {variable: value}) == USER


@pytest.mark.parametrize(
    "value",
    [
        "https://metadata.example:8080/api",
        "s3://bucket/with@sign",
        "http://[::1]:9000",
        "arn:aws:iam::123456789012:role/metaflow",
    ],
)
def test_plain_values_are_kept(value):
    baked = bake_settings(ENV, {"METAFLOW_SERVICE_URL": value})
    assert baked["METAFLOW_SERVICE_URL"] == value


def test_local_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": "here", "METAFLOW_CARD_LOCALROOT": "/cards"}
    baked = bake_settings({**ENV, "METAFLOW_HOME": "~/conf"}, config)
    assert baked["METAFLOW_DATASTORE_SYSROOT_LOCAL"] == str(tmp_path / "here")
    assert baked["METAFLOW_CARD_LOCALROOT"] == "/cards"
    assert baked["METAFLOW_HOME"] == os.path.expanduser("~/conf")


@pytest.mark.parametrize(
    ("env", "config", "user", "owner"),
    [
        ({"USER": "ada"}, {}, "ada", "ada"),
        ({"USER": "ada", "SUDO_USER": "bob"}, {}, "bob", "bob"),
        ({"USER": "ada"}, {"METAFLOW_USER": "eve"}, "eve", "eve"),
        ({"USER": "root", "USERNAME": "ada"}, {}, "ada", "ada"),
        ({"USER": "ada", "METAFLOW_OWNER": "team"}, {}, "ada", "team"),
        ({"USER": "root"}, {}, None, None),
    ],
)
def test_the_user(env, config, user, owner):
    baked = bake_settings(env, config)
    assert (baked.get("METAFLOW_USER"), baked.get("METAFLOW_OWNER")) == (user, owner)


def test_settings_of_a_profile(tmp_path):
    """In a process of its own: Metaflow resolves its settings on import."""
    profile = {
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://from-profile",
        "METAFLOW_SERVICE_AUTH_KEY": "hunter2",
        "METAFLOW_SERVICE_URL": "https://from-profile.example",
    }
    (tmp_path / "config_work.json").write_text(json.dumps(profile))
    code = (
        "import json, os\n"
        "import metaflow\n"
        "from metaflow_extensions.dagster.plan.settings import bake_settings\n"
        "print(json.dumps(bake_settings(os.environ)))\n"
    )
    env = {
        "PATH": os.environ["PATH"],
        "USER": "ada",
        "METAFLOW_HOME": str(tmp_path),
        "METAFLOW_PROFILE": "work",
        "METAFLOW_SERVICE_URL": "https://from-environment.example",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://from-profile",
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_HOME": str(tmp_path),
        "METAFLOW_SERVICE_URL": "https://from-environment.example",
        **USER,
    }


@pytest.mark.parametrize(
    "name",
    [
        "METAFLOW_RUN_ID",
        "METAFLOW_RUN_MAX_WORKERS",
        "METAFLOW_INIT_ALPHA",
        "METAFLOW_STEP_NAMESPACE",
        "METAFLOW_RESUME_RUN_ID",
        "METAFLOW_TRIGGER",
        "METAFLOW_DAGSTER_TRIGGER_ALPHA",
        "METAFLOW_STEP_FUNCTIONS_TRIGGER_ALPHA",
        "METAFLOW_DAGSTER_CREATE_NAME",
        "METAFLOW_DAGSTER_RESULT_FILE",
        "METAFLOW_DECOSPECS",
        "METAFLOW_BRANCH",
        "METAFLOW_PRODUCTION",
        "METAFLOW_FLOW_CONFIG_VALUE",
        "METAFLOW_RUNTIME_ENVIRONMENT",
        "METAFLOW_CODE_URL",
        "MF_PARALLEL_NUM_NODES",
        "MF_ATTEMPT",
        "MFLOG_STDOUT",
    ],
)
def test_variables_of_others_do_not_reach_steps(name):
    assert is_foreign(name)


@pytest.mark.parametrize(
    "name",
    [
        "METAFLOW_DEFAULT_DATASTORE",
        "METAFLOW_RUNTIME_CARD_RENDER_INTERVAL",
        "METAFLOW_SERVICE_AUTH_KEY",
        "METAFLOW_ENABLED_STEP_DECORATOR",
        "METAFLOW_PRODUCTION_TOKEN",
        "METAFLOW_DAGSTER_WARM",
        "METAFLOW_PROFILE",
        "METAFLOW_USER",
        "AWS_SECRET_ACCESS_KEY",
        "MY_TRIGGER",
        "PATH",
    ],
)
def test_settings_do_reach_steps(name):
    assert not is_foreign(name)
