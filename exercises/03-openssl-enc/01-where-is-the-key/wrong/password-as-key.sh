./recipe.sh
head -n 1 my-aes-key.bin | tr -d "\n" | od -An -v -tx1 | tr -d " \n" > derived.hex
