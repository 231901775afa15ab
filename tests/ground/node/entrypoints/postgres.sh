#!/bin/sh
# As images of PostgreSQL do: give the data folder to postgres, become postgres, make the database once, serve.
set -e
bin=/usr/lib/postgresql/15/bin
data=${PGDATA:-/var/lib/postgresql/data}
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" /run/postgresql
  chown -R postgres "$data" /run/postgresql
  chmod 700 "$data"
  exec gosu postgres "$0"
fi
mkdir -p "$data"
chmod 700 "$data"
[ -s "$data/PG_VERSION" ] || "$bin/initdb" -D "$data" --auth=trust --no-sync >/dev/null
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
