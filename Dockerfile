# The gateway as a container: an executable that holds program and runtime, on an image with little more than a libc.
# Build: docker build -t podway:0.1.0 .
# Run:   docker run -p 8080:8080 -v ./gateway.yaml:/etc/podway/gateway.yaml:ro podway:0.1.0
# Without a config it serves the demo. The steps are proved by `bun run test:container`.

# A tag can be moved. A release names both images by digest instead, and says which (docs/deployment.md):
#   docker build --build-arg BUN_IMAGE=oven/bun@sha256:… --build-arg BASE_IMAGE=gcr.io/distroless/base-nossl-debian12@sha256:… .
ARG BUN_IMAGE=oven/bun:1.4.5-slim
ARG BASE_IMAGE=gcr.io/distroless/base-nossl-debian12:nonroot

FROM ${BUN_IMAGE} AS build
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --omit=peer
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN bun run build

FROM ${BASE_IMAGE}
COPY --from=build /build/dist/podway /usr/local/bin/podway
# Without it Bun keeps at most 256 requests of its fetch in flight. The executable sees to that by starting itself
# again; here it need not.
ENV BUN_CONFIG_MAX_HTTP_REQUESTS=65336
# gateway.yaml is read from here, and relative paths in it start here.
WORKDIR /etc/podway
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/podway", "health"]
ENTRYPOINT ["/usr/local/bin/podway"]
