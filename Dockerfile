# One image for web, workers and beat; docker-compose.yml says which command each runs.
FROM python:3.11-slim-bookworm

ARG RAFTER_COMMIT=""
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    VAR_DIR=/srv/rafter/var \
    NUMBA_CACHE_DIR=/srv/rafter/var/cache/numba \
    MPLCONFIGDIR=/srv/rafter/var/cache/matplotlib \
    RAFTER_COMMIT=${RAFTER_COMMIT}

WORKDIR /srv/rafter
COPY requirements.txt ./
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache --compile-bytecode -r requirements.txt \
    && useradd --system --uid 10001 --home-dir /srv/rafter rafter \
    && mkdir -p var \
    && chown rafter:rafter var

COPY LICENSE manage.py pyproject.toml ./
COPY deploy/ deploy/
COPY frontend/ frontend/
COPY reliability/ reliability/
COPY training/ training/
COPY annotation/ annotation/
RUN SECRET_KEY=only-while-building-static-files-0123456789 \
    VAR_DIR=/srv/rafter/built python manage.py collectstatic --noinput --verbosity 0

USER 10001
EXPOSE 8000
CMD ["gunicorn", "annotation.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "4", "--threads", "8", "--no-control-socket"]
