# The gateway as a container: dependencies in one stage, a small image that runs as an unprivileged user in the other.
# Build: docker build -t podway .
# Run:   docker run -p 8080:8080 -v ./gateway.yaml:/etc/podway/gateway.yaml:ro podway

FROM oven/bun:1.4.5-slim AS dependencies
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production

FROM oven/bun:1.4.5-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
# Bun queues requests to upstreams beyond 256 in flight unless told otherwise at start.
ENV BUN_CONFIG_MAX_HTTP_REQUESTS=65336
USER bun
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s CMD ["bun", "-e", "process.exit((await fetch('http://127.0.0.1:9090/healthz')).ok ? 0 : 1)"]
ENTRYPOINT ["bun", "src/main.ts"]
CMD ["--config", "/etc/podway/gateway.yaml"]
