-- Health of all kinds of berth.dev, by the conditions that Berth writes.
local function health(status, message)
  return {status = status, message = message}
end

local status = obj.status or {}
if status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "Berth has not looked at it yet")
end

local found = {}
for _, condition in ipairs(status.conditions) do
  found[condition.type] = condition
end
local function is(kind, value)
  return found[kind] ~= nil and found[kind].status == value
end

if is("Isolated", "False") then
  return health("Degraded", found.Isolated.message)
elseif is("Stalled", "True") then
  return health("Degraded", found.Stalled.message)
elseif is("Accepted", "False") then
  return health("Degraded", found.Accepted.message)
elseif is("Active", "False") then
  return health("Suspended", found.Active.message)  -- a Waiver that has ended spares nobody any more
elseif is("Ready", "False") and found.Ready.reason == "Paused" then
  return health("Suspended", found.Ready.message)  -- a virtual machine that somebody paused
elseif is("Reconciling", "True") or is("Ready", "False") then
  return health("Progressing", found.Ready.message)
end
-- A class that this cluster cannot run is none the worse for it: the Workloads that need it say so.
return health("Healthy", (found.Ready or found.Available or found.Active or found.Accepted).message)
