"""Find the servers that tests may use: ``python -m tests.services postgres|redis [URL]``.

Prints the URL of one that answers, or nothing.
"""

import getpass
import sys

LOCAL = {
    "postgres": [f"postgres://{getpass.getuser()}@127.0.0.1:5432/test"],
    "redis": ["redis://127.0.0.1:6379/9"],
}


def answers(url: str) -> bool:
    """Whether a server speaks at this address."""
    if url.startswith("redis"):
        import redis

        try:
            return bool(redis.Redis.from_url(url, socket_connect_timeout=1).ping())
        except redis.RedisError:
            return False
    import psycopg2

    try:
        psycopg2.connect(url, connect_timeout=2).close()
    except psycopg2.Error:
        return False
    return True


def find(kind: str, named: str) -> str:
    """The server that was named if it is of this kind, else a local one; "" where none answers."""
    candidates = [named] if named.startswith(kind) else LOCAL[kind]
    return next((url for url in candidates if answers(url)), "")


if __name__ == "__main__":
    named = sys.argv[2] if len(sys.argv) > 2 else ""
    sys.stdout.write(find(sys.argv[1], named) + "\n")
