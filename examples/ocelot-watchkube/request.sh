#!/bin/sh
curl -sS "${GATEWAY:-http://127.0.0.1:8080}/orders/anything"
