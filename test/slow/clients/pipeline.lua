-- Eight requests at once over each connection.
init = function(args)
  local parts = {}
  for i = 1, 8 do
    parts[i] = wrk.format(nil)
  end
  requests = table.concat(parts)
end

request = function()
  return requests
end
