# syntax=docker/dockerfile:1
# Two stages: the locked wheels go into a venv, and only that venv is shipped. The bases need glibc (CEL has no musl build)
# and python3.11 at the same path. `make image` gives both as images made of Debian packages, the last one with nothing in
# it but Python; without it any image by digest does: --build-arg BASE=python:3.11-slim-bookworm@sha256:...
ARG BASE=python:3.11-slim-bookworm
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
RUN python3.11 -m venv /build && python3.11 -m venv --without-pip /opt/berth
COPY requirements.lock requirements-build.lock /src/
# How pip reaches an index, where that needs saying, comes as a secret and stays out of every layer.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/ca.pem \
    /build/bin/pip install --no-cache-dir --require-hashes -r /src/requirements-build.lock && \
    /build/bin/pip download --no-cache-dir --require-hashes --only-binary :all: -d /wheels -r /src/requirements.lock
COPY pyproject.toml README.md /src/
COPY operator /src/operator
# The wheels are noted by hash: the bill of materials says which of the locked ones are in the image.
RUN /build/bin/pip wheel --no-index --no-deps --no-build-isolation -w /wheels /src && \
    /build/bin/pip --python /opt/berth/bin/python install --no-index --no-deps --no-compile /wheels/*.whl && \
    cd /wheels && sha256sum *.whl > /opt/berth/wheels.sha256
# A third of what was installed is an asynchronous client that nothing imports, and symbols for debuggers.
RUN rm -r /opt/berth/lib/python3.11/site-packages/kubernetes/aio && \
    find /opt/berth/bin -type f ! -name berth ! -name kubectl-berth -delete && \
    if command -v strip; then find /opt/berth -name '*.so' -exec strip --strip-unneeded {} +; fi
COPY tests/image/bytecode.py /build/
RUN /opt/berth/bin/python -B /build/bytecode.py /opt/berth

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="berth" \
      org.opencontainers.image.description="Places workloads as pods, sandboxed pods or virtual machines, by policy, and says why" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /opt/berth /opt/berth
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# One heap that gives back what it does not use: a few MiB less, measured with 2000 Workloads (`make bench`).
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=1048576
RUN ["/opt/berth/bin/berth", "--version"]
EXPOSE 8080 8443
ENTRYPOINT ["/opt/berth/bin/berth"]
CMD ["operator"]
