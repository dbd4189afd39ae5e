# The image of the gateway. `make image` passes the arguments; tests/deploy runs these steps.
#
# A release names the base by digest, too: PYTHON_DIGEST=sha256:..., as shown by
#   docker buildx imagetools inspect python:3.13-slim-trixie
ARG PYTHON_IMAGE=python:3.13-slim-trixie
ARG PYTHON_DIGEST=

FROM ${PYTHON_IMAGE}${PYTHON_DIGEST:+@${PYTHON_DIGEST}} AS build
# With it the same sources give the same wheel, and the bytecode goes by hashes instead of times:
# https://reproducible-builds.org/specs/source-date-epoch/
ARG SOURCE_DATE_EPOCH=0
# What the labels will say; a build whose labels would lie fails. Empty: no such label.
ARG VERSION=
ARG POLICY_REVISION=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY scripts/image.py scripts/
COPY gateway gateway
RUN python3 scripts/image.py --check "version=$VERSION" "policy=$POLICY_REVISION"
RUN python3 -m venv /build
RUN /build/bin/pip wheel --quiet --wheel-dir /wheels '.[postgres]'
RUN python3 -m venv --without-pip /opt/gateway
RUN /build/bin/pip --python /opt/gateway/bin/python install --quiet --no-index \
    --find-links /wheels 's3-inventory-gateway[postgres]'
RUN mkdir --parents --mode=0700 /var/lib/gateway

FROM ${PYTHON_IMAGE}${PYTHON_DIGEST:+@${PYTHON_DIGEST}}
ARG VERSION=
ARG POLICY_REVISION=
LABEL org.opencontainers.image.title="s3-inventory-gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      s3-inventory-gateway.policy.revision="$POLICY_REVISION"
COPY --from=build /opt/gateway /opt/gateway
# The one place that the gateway writes to.
COPY --from=build --chown=65532:65532 /var/lib/gateway /var/lib/gateway
ENV PATH=/opt/gateway/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_PRINCIPALS_FILE=/etc/gateway/principals.yaml \
    GATEWAY_JOURNAL_PATH=/var/lib/gateway/journal.db
WORKDIR /var/lib/gateway
# A number, for Kubernetes to see that it is not root.
USER 65532:65532
EXPOSE 9000 9001
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["inventory-gateway", "health"]
ENTRYPOINT ["inventory-gateway"]
CMD ["serve"]
