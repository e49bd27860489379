#!/bin/sh
# nodes() takes the cluster's id in front; each host leads to its own cluster.
curl -sS "${ADMIN:-http://127.0.0.1:9090}/v1/discovery/kubernetes/nodes?service=release/default/plat-dev:port"
echo
curl -sS "${GATEWAY:-http://127.0.0.1:8080}/anything"
curl -sS "${GATEWAY:-http://127.0.0.1:8080}/anything" -H 'Host: staging.example.org'
