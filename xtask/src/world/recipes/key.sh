# Makes the key pair that signs the lists of Hex and rebar3.
set -eu
openssl genrsa -out private.pem 2048
openssl rsa -in private.pem -pubout -out public.pem
