module berth.dev/ground/app

go 1.26.0
