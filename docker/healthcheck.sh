#!/bin/bash
# Healthy is who answers HTTP:  healthcheck.sh PORT PATH
# 401 is an answer, too: the check carries no password.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
read -r -t 4 _ status _ <&3
case $status in
200 | 401) ;;
*)
    echo "HTTP $status"
    exit 1
    ;;
esac
