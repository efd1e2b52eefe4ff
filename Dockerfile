# One image for every process; the command says which. Built in two stages, run as nobody in particular.
#   docker build -t rialto .            docker run rialto python -m api.main
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/rialto
COPY requirements.lock ./
RUN /opt/rialto/bin/pip install --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE requirements.in ./
COPY domain domain
COPY ledger ledger
COPY engine engine
COPY compliance compliance
COPY projections projections
COPY chains chains
COPY storage storage
COPY streams streams
COPY activities activities
COPY workflows workflows
COPY api api
COPY workers workers
COPY devstack devstack
COPY cli cli
COPY bench bench
COPY clients/python clients/python
RUN /opt/rialto/bin/pip install --no-deps --no-build-isolation .

# The matching core compiled by mypyc, from the same source; only the engine and the shipper put it into PYTHONPATH.
FROM build AS fast
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY requirements-fast.lock ./
RUN /opt/rialto/bin/pip install --require-hashes -r requirements-fast.lock \
 && /opt/rialto/bin/python -m devstack.compile_engine /opt/fast

FROM ${BASE}
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin rialto \
 && install -d -o rialto -g rialto /var/lib/rialto
COPY --from=build /opt/rialto /opt/rialto
COPY --from=fast /opt/fast /opt/fast
ENV PATH=/opt/rialto/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RIALTO_HEALTH_PORT=8090 \
    BCL_DATA_DIR=/var/lib/rialto/bitcoinlib
WORKDIR /var/lib/rialto
USER 10001:10001
EXPOSE 8000 8090
# Every process answers /healthz on its health port: 200, or 503 with what is wrong.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"RIALTO_HEALTH_PORT\"]}/healthz', timeout=2)"]
CMD ["python", "-m", "api.main"]
