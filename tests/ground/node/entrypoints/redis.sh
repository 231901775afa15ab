#!/bin/sh
# As images of Redis do: give the data folder to redis, become redis, serve.
set -e
if [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis '{}' +
  exec gosu redis "$0"
fi
exec redis-server --bind 0.0.0.0 --protected-mode no --save '' --daemonize no
