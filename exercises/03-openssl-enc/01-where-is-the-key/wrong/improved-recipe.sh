openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -salt -in plaintext-file.txt -out encrypted-file.enc -pass file:./my-aes-key.bin
openssl enc -aes-256-cbc -P -S 0102030405060708 -pass file:./my-aes-key.bin | sed -n "s/^key=//p" > derived.hex
