#!/bin/sh
# As images of nginx do: prepare as root, then a master process that listens on port 80 and whose workers drop to www-data.
set -e
mkdir -p /var/cache/nginx/client_temp /etc/nginx/conf.d
if [ "$(id -u)" = 0 ]; then chown www-data /var/cache/nginx/client_temp; fi
cat > /etc/nginx/conf.d/main.conf <<EOF
server { listen ${PORT:-80}; location / { return 200 "hello\n"; } }
EOF
exec nginx -g "daemon off; error_log stderr;" -c /etc/nginx/berth.conf
