#!/usr/bin/env bash
set -euo pipefail
openssl enc -aes-256-cbc -salt -in plaintext-file.txt -out encrypted-file.enc -pass file:./my-aes-key.bin
openssl enc -aes-256-cbc -P -S 0102030405060708 -pass file:./my-aes-key.bin > derived.hex
