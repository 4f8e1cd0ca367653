#!/bin/bash
# What the tests use of the official image's entrypoint: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS,
# POSTGRES_HOST_AUTH_METHOD, PGDATA, *.sql and *.sh in /docker-entrypoint-initdb.d; arguments go to postgres.
set -euo pipefail
shopt -s nullglob

[ "${1:0:1}" = - ] && set -- postgres "$@"
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "${BASH_SOURCE[0]}" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

run_sql() { psql -q -v ON_ERROR_STOP=1 --no-password --no-psqlrc -U "$user" "$@"; }

make_cluster() {
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
    echo "Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD" >&2
    exit 1
  fi
  local args
  read -ra args <<<"${POSTGRES_INITDB_ARGS:-}"
  initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") "${args[@]}" -D "$PGDATA"
  printf '\nhost all all all %s\nhost replication all all %s\n' "$method" "$method" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
}

# Nobody can connect over the network before everything is there.
first_start() {
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  [ "$database" = postgres ] || run_sql -d postgres --set db="$database" <<<'CREATE DATABASE :"db";'
  local file
  for file in /docker-entrypoint-initdb.d/*.sh; do . "$file"; done
  for file in /docker-entrypoint-initdb.d/*.sql; do run_sql -d "$database" -f "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  make_cluster
  first_start
  echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
