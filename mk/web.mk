# web.mk: the style sheets and scripts of the graphs, which formats/web.S includes.

web_files := $(wildcard formats/web/*)

$(O)/formats/web.o: formats/web.S $(web_files) $(O)/.flags
	@mkdir -p $(@D)
	$(call say,AS)$(CC) -c $< -o $@
