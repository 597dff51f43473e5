./recipe.sh
salt=$(head -c 16 encrypted-file.enc | tail -c 8 | od -An -v -tx1 | tr -d " \n")
openssl enc -aes-256-cbc -P -S "$salt" -pass file:./my-aes-key.bin | sed -n "s/^key=//p" > derived.hex
