#!/bin/bash
# Makes the data of a new server, `mysqld` or `mariadbd`, when the image is built: a container begins with a copy of it, and makes
# its own server id and certificates.
set -euo pipefail
data=/usr/share/weir/data

useradd --system --uid 999 --home-dir /var/lib/mysql --shell /usr/sbin/nologin mysql
install -d -o mysql -g mysql /var/lib/mysql /run/mysqld
mkdir -p /etc/mysql/conf.d
rm -f /etc/mysql/my.cnf
cp /usr/share/weir/my.cnf /etc/mysql/my.cnf
ln -sf /etc/mysql/my.cnf /etc/my.cnf

# Small files, and no waiting for a disk.
if [ "$1" = mysqld ]; then
  install -d -o mysql -g mysql /usr/share/weir
  mysqld --initialize-insecure --datadir="$data" --innodb-redo-log-capacity=8M --innodb-flush-method=nosync
  rm -f "$data/auto.cnf" "$data"/*.pem
else
  install -d -o mysql -g mysql "$data"
  mariadb-install-db --user=mysql --datadir="$data" --auth-root-authentication-method=normal --skip-test-db --rpm \
    --cross-bootstrap --skip-log-bin --innodb-log-file-size=8M --innodb-flush-method=nosync
fi
