#!/bin/sh
# All tests: everything on SQLite, then what touches a database again on PostgreSQL and Redis.
# DATABASE_URL (postgres://…) and BROKER_URL (redis://…) name servers; without them the usual
# local ones are tried, and a missing one is said loudly. Arguments go to pytest.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=0
spread="-n 2 --dist loadfile --no-loadscope-reorder"  # a file to each in turn: tests/conftest.py

if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 \
    && ! command -v google-chrome >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Chromium for the browser tests …"
        { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 \
            || echo "*** Chromium could not be installed."
    fi
fi

postgres=$($bin/python -m tests.services postgres "${DATABASE_URL:-}")
redis=$($bin/python -m tests.services redis "${BROKER_URL:-}")
unset DATABASE_URL BROKER_URL

echo "=== SQLite, Celery over files ==="
$bin/pytest $spread "$@" || failed=1

if [ -n "$postgres" ]; then
    echo "=== PostgreSQL${redis:+, Celery over Redis} ==="
    DATABASE_URL="$postgres" BROKER_URL="${redis:-filesystem://}" \
        $bin/pytest $spread --ignore=tests/reliability --ignore=tests/training --ignore=tests/browser \
        --ignore=tests/acceptance/test_screens.py "$@" || failed=1
else
    echo "*** SKIPPED: no PostgreSQL found; name one by DATABASE_URL=postgres://user@host/db ***"
fi
[ -n "$redis" ] || echo "*** SKIPPED: no Redis found; name one by BROKER_URL=redis://host:6379/0 ***"
exit $failed
