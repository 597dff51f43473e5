#!/usr/bin/env bash
# Client-side encryption as the notes have it.
openssl enc -aes-256-cbc -salt -in plaintext-file.txt -out encrypted-file.enc -pass file:./my-aes-key.bin
