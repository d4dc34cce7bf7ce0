/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/sections_waits.h"

const struct section section_switching = { "switching", table_switching, json_switching };
const struct section section_running = { "running", table_running, json_running };
const struct section section_waiting = { "waiting", table_waiting, json_waiting };
const struct section section_waking = { "waking", table_waking, json_waking };
const struct section section_blocked = { "blocked", table_blocked, json_blocked };
const struct section section_locks = { "locks", table_locks, json_locks };
