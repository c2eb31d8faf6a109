#!/bin/sh
# Run once by PostgreSQL's image, when it makes its data: Orthanc and the gateway have a role and a database each.
set -eu
for name in orthanc video; do
    psql --no-psqlrc --set ON_ERROR_STOP=1 --set name="$name" \
        --set password="$(cat "/run/secrets/orthanc-video/$name")" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
