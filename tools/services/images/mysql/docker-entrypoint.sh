#!/bin/bash
# What the tests use of the official images' entrypoints: MYSQL_ROOT_PASSWORD, MYSQL_ROOT_HOST, MYSQL_DATABASE, MYSQL_USER,
# MYSQL_PASSWORD, each with MARIADB in place of MYSQL as well; arguments go to the server. It starts one server, where those start
# another one before it.
set -euo pipefail

if [ $# = 0 ] || [ "${1:0:1}" = - ]; then set -- "$SERVER" "$@"; fi
[ "$1" = "$SERVER" ] || exec "$@"

data=/var/lib/mysql
first=/run/mysqld/first.sql

setting() { local mariadb=MARIADB_$1 mysql=MYSQL_$1; echo "${!mariadb:-${!mysql:-${2:-}}}"; }
text() { local escaped=${1//\\/\\\\}; printf "'%s'" "${escaped//\'/\'\'}"; }
name() { printf '`%s`' "${1//\`/\`\`}"; }

# The server reads it before it takes connections, so nobody can connect before everything is there. A line is a statement.
accounts() {
  local password=$1 host database user secret
  host=$(setting ROOT_HOST %) database=$(setting DATABASE) user=$(setting USER) secret=$(setting PASSWORD)
  echo 'SET SESSION sql_log_bin = 0;'
  echo "ALTER USER root@localhost IDENTIFIED BY $(text "$password");"
  if [ "$host" != localhost ]; then
    echo "CREATE USER root@$(text "$host") IDENTIFIED BY $(text "$password");"
    echo "GRANT ALL ON *.* TO root@$(text "$host") WITH GRANT OPTION;"
  fi
  echo 'SET SESSION sql_log_bin = 1;'
  [ -z "$database" ] || echo "CREATE DATABASE IF NOT EXISTS $(name "$database");"
  if [ -z "$user" ] || [ -z "$secret" ]; then return; fi
  echo "CREATE USER $(text "$user")@'%' IDENTIFIED BY $(text "$secret");"
  [ -z "$database" ] || echo "GRANT ALL ON $(name "${database//_/\\_}").* TO $(text "$user")@'%';"
}

if [ ! -d "$data/mysql" ]; then
  password=$(setting ROOT_PASSWORD)
  if [ -z "$password" ]; then
    echo "Database is uninitialized and password option is not specified: set MYSQL_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD" >&2
    exit 1
  fi
  cp -a /usr/share/weir/data/. "$data/"
  install -o mysql -m 600 /dev/null "$first"
  accounts "$password" >"$first"
  set -- "$@" --init-file="$first"
fi
exec "$@"
