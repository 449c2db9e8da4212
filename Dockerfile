# The command tom-bridge and nothing else: `docker build -t tom-bridge .`
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir "build>=1.2"
WORKDIR /source
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY bridge bridge
COPY schemas schemas
RUN python -m build --wheel --outdir /dist

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 bridge \
    && install -d -o bridge -g bridge /var/lib/tom-bridge
COPY constraints.txt /tmp/constraints.txt
RUN --mount=type=bind,from=build,source=/dist,target=/dist \
    pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /dist/*.whl)[files,gateway]"
USER bridge
# The ledger lives here: keep it in a volume.
WORKDIR /var/lib/tom-bridge
VOLUME /var/lib/tom-bridge
STOPSIGNAL SIGTERM
ENTRYPOINT ["tom-bridge"]
CMD ["--help"]
