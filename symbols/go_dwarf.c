/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Member offsets of runtime.g from DWARF.  Go's linker puts types into a compilation unit that is
 * named after the runtime, as those of its assembly files are, so only these are searched.
 */
#include "symbols/go_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <string.h>

#include "symbols/image.h"

/* g.stack.lo is member "lo" in the type of member "stack". */
static const struct {
	enum target_field field;
	const char *member, *inner;
} wanted[] = {
	{ FIELD_STACK_LO, "stack", "lo" },	   { FIELD_STACK_HI, "stack", "hi" },
	{ FIELD_SCHED_SP, "sched", "sp" },	   { FIELD_SCHED_PC, "sched", "pc" },
	{ FIELD_SCHED_BP, "sched", "bp" },	   { FIELD_ID, "goid", NULL },
	{ FIELD_PARENT_ID, "parentGoid", NULL },   { FIELD_CREATOR_PC, "gopc", NULL },
	{ FIELD_ENTRY_PC, "startpc", NULL },	   { FIELD_STATUS, "atomicstatus", NULL },
	{ FIELD_WAIT_REASON, "waitreason", NULL }, { FIELD_STACK_GUARD, "stackguard0", NULL },
};

static bool has_name(Dwarf_Die *die, const char *name)
{
	const char *s = dwarf_diename(die);

	return s && !strcmp(s, name);
}

/* A member of a structure and its offset; false if there is none. */
static bool find_member(Dwarf_Die *structure, const char *name, Dwarf_Die *ret, Dwarf_Word *ret_at)
{
	Dwarf_Attribute attr;

	if (dwarf_child(structure, ret))
		return false;
	do {
		if (dwarf_tag(ret) == DW_TAG_member && has_name(ret, name))
			return dwarf_attr(ret, DW_AT_data_member_location, &attr) &&
			       !dwarf_formudata(&attr, ret_at);
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret) &&
	       !dwarf_peel_type(ret, ret);
}

static int32_t offset_of(Dwarf_Die *g, const char *member, const char *inner)
{
	Dwarf_Die found, type, inner_found;
	Dwarf_Word at, inner_at = 0;

	if (!find_member(g, member, &found, &at))
		return FIELD_UNKNOWN;
	if (inner &&
	    (!type_of(&found, &type) || !find_member(&type, inner, &inner_found, &inner_at)))
		return FIELD_UNKNOWN;
	if (at > INT16_MAX || inner_at > INT16_MAX)
		return FIELD_UNKNOWN;
	return (int32_t)(at + inner_at);
}

static bool find_g(Dwarf_Die *unit, Dwarf_Die *ret)
{
	if (dwarf_child(unit, ret))
		return false;
	do {
		if (dwarf_tag(ret) == DW_TAG_structure_type && has_name(ret, "runtime.g"))
			return true;
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

int go_dwarf_offsets(struct image *img, struct go_offsets *ret)
{
	Dwarf *dwarf = (Dwarf *)image_dwarf(img);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, g;
	size_t i;

	if (!dwarf)
		return -ENOENT;
	do {
		if (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL))
			return -ENOENT;
	} while (!has_name(&unit, "runtime") || !find_g(&unit, &g));
	go_offsets_clear(ret);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ret->field[wanted[i].field] = offset_of(&g, wanted[i].member, wanted[i].inner);
	return 0;
}
