#!/bin/bash
# What the official image's start script does with its environment: KAFKA_A_B becomes the property a.b (`__` an
# underscore, `___` a dash), variables for the JVM excepted; new storage is formatted with CLUSTER_ID; then the broker.
set -euo pipefail

properties=/opt/kafka/config/server.properties
jvm='^KAFKA_(HEAP_OPTS|OPTS|JMX_OPTS|JVM_PERFORMANCE_OPTS|GC_LOG_OPTS|LOG4J_.*|CLUSTER_ID|VERSION)='

env | grep -E '^KAFKA_' | grep -vE "$jvm" | while IFS='=' read -r name value; do
    key=${name#KAFKA_}
    key=$(sed -e 's/___/-/g' -e 's/__/\x01/g' -e 's/_/./g' -e 's/\x01/_/g' <<< "${key,,}")
    echo "$key=$value"
done > "$properties"

cat > /opt/kafka/config/log4j2.properties <<'END'
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
END

: "${KAFKA_HEAP_OPTS:=-Xms256m -Xmx512m}"
read -r -a heap <<< "$KAFKA_HEAP_OPTS"
java=(java "${heap[@]}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto
      -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.properties -cp '/opt/kafka/libs/*')

"${java[@]}" kafka.tools.StorageTool format --ignore-formatted --cluster-id "$CLUSTER_ID" --config "$properties"
exec "${java[@]}" kafka.Kafka "$properties"
