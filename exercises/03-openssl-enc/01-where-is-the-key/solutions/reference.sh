#!/usr/bin/env bash
set -euo pipefail
./recipe.sh
openssl enc -aes-256-cbc -P -S 0102030405060708 -pass file:./my-aes-key.bin > printed.txt
sed -n 's/^key=//p' printed.txt > derived.hex
