-- Data shaped like TPC-H at scale :sf, without any index: keys, row counts, ranges and correlations follow its
-- specification. Deterministic.
CREATE TABLE region (
  r_regionkey integer not null,
  r_name char(25) not null,
  r_comment varchar(152)
);
CREATE TABLE nation (
  n_nationkey integer not null,
  n_name char(25) not null,
  n_regionkey integer not null,
  n_comment varchar(152)
);
CREATE TABLE supplier (
  s_suppkey integer not null,
  s_name char(25) not null,
  s_address varchar(40) not null,
  s_nationkey integer not null,
  s_phone char(15) not null,
  s_acctbal decimal(15,2) not null,
  s_comment varchar(101) not null
);
CREATE TABLE customer (
  c_custkey integer not null,
  c_name varchar(25) not null,
  c_address varchar(40) not null,
  c_nationkey integer not null,
  c_phone char(15) not null,
  c_acctbal decimal(15,2) not null,
  c_mktsegment char(10) not null,
  c_comment varchar(117) not null
);
CREATE TABLE part (
  p_partkey integer not null,
  p_name varchar(55) not null,
  p_mfgr char(25) not null,
  p_brand char(10) not null,
  p_type varchar(25) not null,
  p_size integer not null,
  p_container char(10) not null,
  p_retailprice decimal(15,2) not null,
  p_comment varchar(23) not null
);
CREATE TABLE partsupp (
  ps_partkey integer not null,
  ps_suppkey integer not null,
  ps_availqty integer not null,
  ps_supplycost decimal(15,2) not null,
  ps_comment varchar(199) not null
);
CREATE TABLE orders (
  o_orderkey integer not null,
  o_custkey integer not null,
  o_orderstatus char(1) not null,
  o_totalprice decimal(15,2) not null,
  o_orderdate date not null,
  o_orderpriority char(15) not null,
  o_clerk char(15) not null,
  o_shippriority integer not null,
  o_comment varchar(79) not null
);
CREATE TABLE lineitem (
  l_orderkey integer not null,
  l_partkey integer not null,
  l_suppkey integer not null,
  l_linenumber integer not null,
  l_quantity decimal(15,2) not null,
  l_extendedprice decimal(15,2) not null,
  l_discount decimal(15,2) not null,
  l_tax decimal(15,2) not null,
  l_returnflag char(1) not null,
  l_linestatus char(1) not null,
  l_shipdate date not null,
  l_commitdate date not null,
  l_receiptdate date not null,
  l_shipinstruct char(25) not null,
  l_shipmode char(10) not null,
  l_comment varchar(44) not null
);
set synchronous_commit=off;
create function h(a bigint, s int, m bigint) returns bigint language sql immutable parallel safe as
 $$ select (hashint8extended(a, s) & 9223372036854775807) % m $$;   -- deterministic, same on every machine
create function wd(a bigint, s int) returns text language sql immutable as
 $$ select (array['furiously','quickly','carefully','slyly','blithely','deposits','requests','accounts','packages','foxes','ideas','theodolites','pinto','beans','instructions','dependencies','excuses','platelets','asymptotes','special','pending','express','regular','ironic','final','bold','even','silent','unusual','sleep','wake','nag','haggle','cajole','among','above','across','the','Customer','Complaints'])[1+h(a, s, 40)] $$;
create function txt(a bigint, s int, n int) returns text language sql immutable as
 $$ select left(wd(a,s)||' '||wd(a,s+200)||' '||wd(a,s+300)||' '||wd(a,s+400)||' '||to_hex(h(a,s+1,9000000000000000000))||' '||to_hex(h(a,s+2,9000000000000000000))||' '||to_hex(h(a,s+3,9000000000000000000))||' '||to_hex(h(a,s+4,9000000000000000000))||' '||to_hex(h(a,s+5,9000000000000000000)), n) $$;
insert into region select i, (array['AFRICA','AMERICA','ASIA','EUROPE','MIDDLE EAST'])[i+1], txt(i,1,60) from generate_series(0,4) i;
insert into nation select i, (array['ALGERIA','ARGENTINA','BRAZIL','CANADA','EGYPT','ETHIOPIA','FRANCE','GERMANY','INDIA','INDONESIA','IRAN','IRAQ','JAPAN','JORDAN','KENYA','MOROCCO','MOZAMBIQUE','PERU','CHINA','ROMANIA','SAUDI ARABIA','VIETNAM','RUSSIA','UNITED KINGDOM','UNITED STATES'])[i+1],
 (array[0,1,1,1,4,0,3,3,2,2,4,4,2,4,0,0,0,1,2,3,4,2,3,3,1])[i+1], txt(i,2,60) from generate_series(0,24) i;
insert into supplier select i, 'Supplier#'||lpad(i::text,9,'0'), txt(i,3,25), h(i,4,25), (10+h(i,4,25))||'-'||(100+h(i,5,900))||'-'||(100+h(i,6,900))||'-'||(1000+h(i,7,9000)), (h(i,8,1099998)-99999)/100.0, txt(i,9,60) from generate_series(1,(10000*:sf)::int) i;
insert into customer select i, 'Customer#'||lpad(i::text,9,'0'), txt(i,11,25), h(i,12,25), (10+h(i,12,25))||'-'||(100+h(i,13,900))||'-'||(100+h(i,14,900))||'-'||(1000+h(i,15,9000)), (h(i,16,1099998)-99999)/100.0, (array['AUTOMOBILE','BUILDING','FURNITURE','MACHINERY','HOUSEHOLD'])[1+h(i,17,5)], txt(i,18,72) from generate_series(1,(150000*:sf)::int) i;
insert into part select i, (select string_agg((array['almond','antique','aquamarine','azure','beige','bisque','black','blanched','blue','blush','brown','burlywood','burnished','chartreuse','chiffon','chocolate','coral','cornflower','cornsilk','cream','cyan','dark','deep','dim','dodger','drab','firebrick','floral','forest','frosted','gainsboro','ghost','goldenrod','green','grey','honeydew','hot','indian','ivory','khaki','lace','lavender'])[1+h(i*5+k,21,42)],' ') from generate_series(1,5) k),
 'Manufacturer#'||(1+h(i,22,5)), 'Brand#'||(1+h(i,22,5))||(1+h(i,23,5)),
 (array['STANDARD','SMALL','MEDIUM','LARGE','ECONOMY','PROMO'])[1+h(i,24,6)]||' '||(array['ANODIZED','BURNISHED','PLATED','POLISHED','BRUSHED'])[1+h(i,25,5)]||' '||(array['TIN','NICKEL','BRASS','STEEL','COPPER'])[1+h(i,26,5)],
 1+h(i,27,50), (array['SM','LG','MED','JUMBO','WRAP'])[1+h(i,28,5)]||' '||(array['CASE','BOX','BAG','JAR','PKG','PACK','CAN','DRUM'])[1+h(i,29,8)], (90000+((i/10)%20001)+100*(i%1000))/100.0, txt(i,30,14) from generate_series(1,(200000*:sf)::int) i;
insert into partsupp select p, 1+((p+(s*((:sf*10000)::int/4+(p-1)/(:sf*10000)::int)))%(:sf*10000)::int), 1+h(p*4+s,31,9999), (100+h(p*4+s,32,99901))/100.0, txt(p*4+s,33,126) from generate_series(1,(200000*:sf)::int) p, generate_series(0,3) s;
insert into orders select ((i/8)*32+i%8), 1+c-(case when c%3=2 then 1 else 0 end), case when h(i,42,2406)<1140 then 'F' when h(i,42,2406)<1230 then 'P' else 'O' end, (85000+h(i,41,50000000))/100.0, date '1992-01-01'+h(i,42,2406)::int, (array['1-URGENT','2-HIGH','3-MEDIUM','4-NOT SPECIFIED','5-LOW'])[1+h(i,43,5)], 'Clerk#'||lpad((1+h(i,44,(1000*:sf)::int))::text,9,'0'), 0, txt(i,45,49)
 from (select i, h(i,40,(150000*:sf)::int) c from generate_series(1,(1500000*:sf)::int) i) x;
insert into lineitem select o_orderkey, pk, 1+((pk+(h(k,52,4)*((:sf*10000)::int/4+(pk-1)/(:sf*10000)::int)))%(:sf*10000)::int), ln, q, round(q*(90000+((pk/10)%20001)+100*(pk%1000))/100.0,2), h(k,54,11)/100.0, h(k,55,9)/100.0,
 case when sd+rd<=date '1995-06-17' then (array['R','A'])[1+h(k,56,2)] else 'N' end, case when sd>date '1995-06-17' then 'O' else 'F' end, sd, o_orderdate+30+h(k,58,61)::int, sd+rd,
 (array['DELIVER IN PERSON','COLLECT COD','NONE','TAKE BACK RETURN'])[1+h(k,59,4)], (array['REG AIR','AIR','RAIL','SHIP','TRUCK','MAIL','FOB'])[1+h(k,60,7)], txt(k,61,27)
 from (select o_orderkey, o_orderdate, ln, k, 1+h(k,51,(200000*:sf)::int) pk, (1+h(k,53,50))::numeric q, o_orderdate+1+h(k,57,121)::int sd, 1+h(k,62,30)::int rd
       from (select o_orderkey, o_orderdate, ln, o_orderkey::bigint*8+ln k from orders, generate_series(1,7) ln where ln<=1+h(o_orderkey,50,7)) a) b;
drop function txt(bigint,int,int); drop function wd(bigint,int); drop function h(bigint,int,bigint);
VACUUM ANALYZE;
