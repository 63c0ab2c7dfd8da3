import Config

for {app, endpoint} <- [shop_web: ShopWeb.Endpoint, admin_web: AdminWeb.Endpoint] do
  config app, endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
end
