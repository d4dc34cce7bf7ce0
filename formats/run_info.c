/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/run_info.h"

#include <stdlib.h>

void run_info_release(struct run_info *r)
{
	free(r->tool_version);
	free(r->hostname);
	free(r->kernel);
	free(r->command);
	free(r->target);
	free(r->build_id);
	free(r->runtime);
	free(r->version);
	free(r->source);
	free(r->link);
	free(r->offsets);
	free(r->warnings);
	*r = (struct run_info){ 0 };
}
