./recipe.sh
openssl enc -aes-256-cbc -pbkdf2 -P -S 0102030405060708 -pass file:./my-aes-key.bin | sed -n "s/^key=//p" > derived.hex
