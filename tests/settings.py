"""The site's own settings, on a scratch folder and with keys for tests.

``DATABASE_URL`` and ``BROKER_URL`` of the environment are taken as they are, so that one suite
runs on SQLite and on PostgreSQL.
"""

import os
import tempfile

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="rafter-tests-"))
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)

from annotation.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, as in the embedded default: threads of one test must meet at real locks.
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}  # noqa: F405
