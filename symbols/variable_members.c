/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of variables, by DWARF.
 *
 * Go names the unit after the package that a variable belongs to, so that of a program with
 * thousands of units few are looked through.  In C, static variables are of any unit.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "symbols/variables.h"

#define DEPTH_MAX 16 /* of foreign files, whose types may contain themselves */

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret) &&
	       !dwarf_peel_type(ret, ret);
}

/* In DWARF 5 the address may be in a table, and the expression has its number there. */
static bool from_table(Dwarf_Attribute *location, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t n;

	return !dwarf_getlocation(location, &op, &n) && n == 1 && op->atom == DW_OP_addrx &&
	       !dwarf_getlocation_attr(location, op, &attr) && !dwarf_formaddr(&attr, ret);
}

/* Go writes a block where its version of DWARF has an expression, which libdw does not read as one.
 */
static bool is_at(Dwarf_Die *variable, uint64_t vaddr)
{
	Dwarf_Attribute attr;
	Dwarf_Block block;
	uint64_t address;

	if (!dwarf_attr(variable, DW_AT_location, &attr) || dwarf_formblock(&attr, &block))
		return false;
	if (block.length == 1 + sizeof(address) && block.data[0] == DW_OP_addr)
		memcpy(&address, block.data + 1, sizeof(address));
	else if (!from_table(&attr, &address))
		return false;
	return address == vaddr;
}

static bool find_in_unit(Dwarf_Die *unit, uint64_t vaddr, Dwarf_Die *ret)
{
	if (dwarf_child(unit, ret))
		return false;
	do {
		if (dwarf_tag(ret) == DW_TAG_variable && is_at(ret, vaddr))
			return true;
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

/* Whether a unit may have the variable: in Go "runtime" has "runtime.sched". */
static bool may_have(Dwarf_Die *unit, const char *variable)
{
	const char *name = dwarf_diename(unit);
	Dwarf_Attribute attr;
	Dwarf_Word language;
	size_t n;

	if (!name || !dwarf_attr(unit, DW_AT_language, &attr) || dwarf_formudata(&attr, &language))
		return false;
	n = strlen(name);
	return language != DW_LANG_Go || (!strncmp(variable, name, n) && variable[n] == '.');
}

static bool find_variable(Dwarf *dwarf, const struct variable *v, Dwarf_Die *ret)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	while (!dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL))
		if (may_have(&unit, v->name) && find_in_unit(&unit, v->vaddr, ret))
			return true;
	return false;
}

/* The member that an offset is in.  Its own offset is subtracted. */
static bool find_member(Dwarf_Die *structure, uint64_t *offset, Dwarf_Die *ret)
{
	Dwarf_Word at, best = 0;
	Dwarf_Attribute attr;
	Dwarf_Die m;
	bool found = false;

	if (dwarf_child(structure, &m))
		return false;
	do {
		if (dwarf_tag(&m) != DW_TAG_member ||
		    !dwarf_attr(&m, DW_AT_data_member_location, &attr) ||
		    dwarf_formudata(&attr, &at) || at > *offset || (found && at < best))
			continue;
		/* Empty ones share the offset of what follows them. */
		best = at;
		*ret = m;
		found = true;
	} while (!dwarf_siblingof(&m, &m));
	*offset -= best;
	return found;
}

static bool element_of(Dwarf_Die *array, uint64_t *offset, uint64_t *ret_index, Dwarf_Die *ret)
{
	Dwarf_Word size;

	if (!type_of(array, ret) || dwarf_aggregate_size(ret, &size) || !size)
		return false;
	*ret_index = *offset / size;
	*offset %= size;
	return true;
}

/* runtime.mutex, sync.RWMutex, co_rwlock: what their members are for is of no interest. */
static bool is_lock(Dwarf_Die *type)
{
	const char *name = dwarf_diename(type);
	size_t n = name ? strlen(name) : 0;

	return n >= 4 && (!strcmp(name + n - 4, "utex") || !strcmp(name + n - 4, "lock"));
}

/* From a type into what is at the offset in it, and what that is called; false where it ends. */
static bool descend(Dwarf_Die *type, uint64_t *offset, char *ret, size_t size)
{
	int tag = dwarf_tag(type);
	const char *member;
	uint64_t index;
	Dwarf_Die die;

	*ret = '\0';
	if (tag == DW_TAG_array_type && element_of(type, offset, &index, &die)) {
		snprintf(ret, size, "[%" PRIu64 "]", index);
		*type = die;
		return true;
	}
	if (tag != DW_TAG_structure_type || is_lock(type) || !find_member(type, offset, &die))
		return false;
	member = dwarf_diename(&die);
	if (member) /* those of an unnamed structure are called as if they were outside */
		snprintf(ret, size, ".%s", member);
	return type_of(&die, type);
}

int variable_members(struct Dwarf *dwarf, const struct variable *v, uint64_t offset, char *ret,
		     size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "%s", v->name);
	Dwarf_Die die, type;

	if (!find_variable((Dwarf *)dwarf, v, &die) || !type_of(&die, &type))
		return -ENOENT;
	for (int depth = 0; n < size && depth < DEPTH_MAX; depth++) {
		if (!descend(&type, &offset, ret + n, size - n))
			break;
		n += strlen(ret + n);
	}
	return 0;
}
