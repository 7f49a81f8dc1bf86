#!/bin/sh
# A customer's client in curl. The secret goes through a pipe: an argument would stand in the list of processes.
set -eu

token_url=${TOKEN_URL:-http://localhost:8080/realms/myorg/protocol/openid-connect/token}
api_url=${API_URL:-http://localhost:50102/orders}

answer=$(printf %s "$CLIENT_SECRET" | curl -sS --fail-with-body "$token_url" -d grant_type=client_credentials \
  --data-urlencode "client_id=$CLIENT_ID" --data-urlencode client_secret@-) || { echo "no token: $answer" >&2; exit 1; }
token=$(printf %s "$answer" | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')

printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -sS --fail-with-body -K - "$api_url"
