#!/bin/sh
# What the gateway knows of the service (the answer of nodes()), and a request through it.
curl -sS "${ADMIN:-http://127.0.0.1:9090}/v1/discovery/kubernetes/nodes?service=default/plat-dev:port"
echo
curl -sS "${GATEWAY:-http://127.0.0.1:8080}/anything"
