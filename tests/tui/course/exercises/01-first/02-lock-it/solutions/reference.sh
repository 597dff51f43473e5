#!/bin/sh
chmod 600 key.bin
