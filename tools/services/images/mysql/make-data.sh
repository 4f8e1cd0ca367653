#!/bin/bash
# Makes the data of a new server, `mysqld` or `mariadbd`, when the image is built: a container begins with a copy of it, and makes
# its own server id and certificates. Named time zones are in it, as with the official images.
set -euo pipefail
data=/usr/share/weir/data
zones=/tmp/zones.sql

useradd --system --uid 999 --home-dir /var/lib/mysql --shell /usr/sbin/nologin mysql
install -d -o mysql -g mysql /var/lib/mysql /run/mysqld /usr/share/weir
mkdir -p /etc/mysql/conf.d
rm -f /etc/mysql/my.cnf
cp /usr/share/weir/my.cnf /etc/mysql/my.cnf
ln -sf /etc/mysql/my.cnf /etc/my.cnf

time_zones() {
  echo 'USE mysql;'
  "$@" /usr/share/zoneinfo 2>/dev/null
}

# Small files, and no waiting for a disk.
make_mysql() {
  time_zones mysql_tzinfo_to_sql >"$zones"
  mysqld --initialize-insecure --init-file="$zones" --datadir="$data" --innodb-redo-log-capacity=16M --innodb-flush-method=nosync
  rm -f "$data/auto.cnf" "$data"/*.pem
}

# Two programs of a package that would bring Perl.
get_mariadb_programs() {
  cd /tmp
  apt-get download -q mariadb-client
  dpkg-deb --fsys-tarfile mariadb-client_*.deb | tar -x -C / ./usr/bin/mariadb-binlog ./usr/bin/mariadb-tzinfo-to-sql
  rm mariadb-client_*.deb
}

make_mariadb() {
  local small=(--user=mysql --datadir="$data" --innodb-log-file-size=8M --innodb-flush-method=nosync)
  get_mariadb_programs
  install -d -o mysql -g mysql "$data"
  mariadb-install-db "${small[@]}" --auth-root-authentication-method=normal --skip-test-db --rpm --cross-bootstrap --skip-log-bin
  time_zones mariadb-tzinfo-to-sql --skip-write-binlog >"$zones"
  # Of root without a password, by way of the loopback.
  echo "DELETE FROM global_priv WHERE Host IN ('127.0.0.1', '::1');" >>"$zones"
  mariadbd "${small[@]}" --bootstrap <"$zones"
}

if [ "$1" = mysqld ]; then make_mysql; else make_mariadb; fi
rm "$zones"
