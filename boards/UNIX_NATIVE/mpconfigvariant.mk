include $(VARIANT_DIR)/../unix/board.mk
