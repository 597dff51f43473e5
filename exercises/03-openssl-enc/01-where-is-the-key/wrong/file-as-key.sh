./recipe.sh
od -An -v -tx1 my-aes-key.bin | tr -d " \n" > derived.hex
