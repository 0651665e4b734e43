# One image for every command: `serve` (the default), `work`, `migrate`, `demo`, `doctor`, `backup`, …
# It writes to /data (SQLite, the sandbox) and /tmp alone, so it runs with a read-only root and without capabilities:
#   podman run --read-only --cap-drop all --security-opt no-new-privileges --tmpfs /tmp -v yinyom:/data -p 8000:8000 \
#     -e YINYOM_ISSUER=… -e YINYOM_SMS_GATEWAY_URL=… -v /etc/yinyom/kek:/run/secrets/kek:ro yinyom serve
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
# The tools stay in /tools; what is shipped goes to /opt/yinyom, which has no pip of its own.
RUN python -m venv /tools && python -m venv --without-pip /opt/yinyom
WORKDIR /src
COPY requirements.txt requirements-dev.txt ./
RUN /tools/bin/pip --python /opt/yinyom/bin/python install -q --require-hashes -r requirements.txt
# The wheel's builder and what it needs, by the same lock: pip refuses whatever is not pinned by its hash.
RUN sed -En '/^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/,/[^\\]$/p' requirements-dev.txt > builder.txt \
 && /tools/bin/pip install -q --require-hashes -r builder.txt
COPY pyproject.toml README.md LICENSE ./
COPY templates templates
COPY consent consent
COPY idp idp
RUN /tools/bin/pip wheel -q --no-deps --no-build-isolation --wheel-dir /dist . \
 && /tools/bin/pip --python /opt/yinyom/bin/python install -q --no-deps --no-index /dist/yinyom-*.whl

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Yinyom" \
      org.opencontainers.image.description="Identity proofing and consent authorization for a national health service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A number, so that an orchestrator can see that it is not root; nothing in the image raises privileges.
RUN useradd --system --uid 10001 --gid 0 --home-dir /data --no-create-home --shell /usr/sbin/nologin yinyom \
 && install -d -o 10001 -g 0 -m 0770 /data \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /opt/yinyom /opt/yinyom
ENV PATH=/opt/yinyom/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    YINYOM_HOST=0.0.0.0 \
    YINYOM_DATABASE_URL=sqlite:////data/yinyom.db \
    YINYOM_KEK_FILE=/run/secrets/kek \
    YINYOM_SEAL_MEMORY_FILE=/data/log.signed \
    YINYOM_PULSE_FILE=/tmp/yinyom-worker.pulse
WORKDIR /data
VOLUME /data
EXPOSE 8000
USER 10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["idp", "health"]
ENTRYPOINT ["idp"]
CMD ["serve"]
