/** Plugins of APISIX that never answer a request in the upstream's place. */
const PASSING = new Set(
  `ai-prompt-decorator ai-prompt-template ai-rag api-breaker attach-consumer-label body-transformer brotli
  clickhouse-logger cors datadog degraphql dubbo-proxy echo elasticsearch-logger error-log-logger file-logger gm
  google-cloud-logging grpc-transcode grpc-web gzip http-dubbo http-logger inspect kafka-logger kafka-proxy lago
  log-rotate loggly loki-logger mqtt-proxy node-status ocsp-stapling opentelemetry prometheus proxy-buffering
  proxy-cache proxy-control proxy-mirror real-ip request-id response-rewrite rocketmq-logger server-info
  skywalking skywalking-logger sls-logger splunk-hec-logging syslog tcp-logger tencent-cloud-cls traffic-split
  udp-logger zipkin`.split(/\s+/),
);

/** Those that refuse a request by how many there are or how large it is, not by who sends it. */
const LIMITING = new Set(["ai-rate-limiting", "client-control", "limit-conn", "limit-count", "limit-req"]);

/**
 * What it means that a plugin is not there: nothing for access (`passes`), that a limit is missing (`limits`), or that
 * requests may pass which it would have refused or answered itself (`guards`). What is not known may be the guard.
 */
export const roleOf = (plugin: string): "passes" | "limits" | "guards" =>
  PASSING.has(plugin) ? "passes" : LIMITING.has(plugin) ? "limits" : "guards";
