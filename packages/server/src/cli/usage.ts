/** What `maskline help` says. */
export const USAGE = `maskline: the open number-masking platform. Usage: npm run maskline -- COMMAND …

  serve                 run the platform (npm start)
  lab                   print the lab's numbers, passwords and key, and what to type
  api METHOD PATH …     send a signed request to the API; \`maskline api --help\`
  config                print the configuration in force, secrets hidden
  help                  this text

Of the platform that runs on the data folder:

  apps list | show KEY
  apps create MODE NAME --tenant T [field=value …]
                                                 prints key and secret, once; X mode needs statusUrl=URL
  apps set KEY field=value …                     field= alone removes; values are JSON or text; axe.repeatCount=1
  numbers list APP_KEY
  numbers add APP_KEY AREA_CODE NUMBER … [--sms] [--move]
                                                 --sms: they can do SMS, also such as are there already;
                                                 --move takes those of other apps; their bindings are lost
  numbers status NUMBER normal|suspended|unusable|binding-frozen [--cause 1|2|3|5..9]
  trunk list             channels in use, and whether the peers are alive
  trunk test NAME        what of a trunk works: DNS, connection, OPTIONS, registration; without a call
  sip trace [--number N] [--call CALL-ID] [--seconds 300] [--real-numbers]
                         SIP messages as they come and go; numbers are masked, but for N
  sms list [--app KEY] [--x X] [--number N] [--sender N] [--receiver N] [--state gathering|received|sending|ended]
           [--result 0..13] [--binding ID] [--since TIME] [--until TIME] [--limit N] [--before ID]
  sms show ID            what became of each of its parts
  bans list | lift ADDRESS  sources that SIP does not listen to for a while
  announcements list [--tenant T]
  announcements upload FILE [--name N] [--tenant T] [--description TEXT] [--replace]
  announcements approve NAME | reject NAME --note WHY | delete NAME | uses NAME
  announcements download NAME [--out FILE]       each with [--tenant T]

  --config FILE         JSON file of settings (default: maskline.json in the data folder, when it exists)
  --data DIR            data folder (default ./data)
`
