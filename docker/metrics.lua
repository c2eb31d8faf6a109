-- Prometheus has a user of its own, which may know that Orthanc is there, and see nothing that Orthanc holds.
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  if username == 'prometheus' then
    return method == 'GET' and uri == '/system'
  end
  return true
end
