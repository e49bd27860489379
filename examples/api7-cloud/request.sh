#!/bin/sh
# One request through the gateway, as its client sends it.
curl -sS "${GATEWAY:-http://127.0.0.1:8080}/v1/anything" -H 'Host: sd.httpbin.org'
