/**
 * What the compiled codec says in other words than the reference. The reason, the JSON pointer and the line are the same
 * in every row; bounds are named, and a key rather than its value is pointed at where it is the key that is wrong.
 */
export const COMPILED_TEXTS: Readonly<Record<string, string>> = {
  'JSON_INVALID /[legacy.old]: expected the required field "old.id", found none (line 1, column 17)':
    'JSON_INVALID /[legacy.old]: legacy.Old: lacks required "id" (line 1, column 17)',
  'JSON_INVALID /any/@type: expected a type URL (such as type.googleapis.com/pkg.Name), found "demo.Inner" (line 1, column 17)':
    'JSON_INVALID /any/@type: expected the URL of a known type (type.googleapis.com/…), found "demo.Inner" (line 1, column 17)',
  "JSON_INVALID /any/@type: expected a type URL, found 1 (line 1, column 17)":
    "JSON_INVALID /any/@type: expected the URL of a type, found 1 (line 1, column 17)",
  'JSON_INVALID /any/@type: expected a type of the loaded schemas, found "x/demo.Missing" (line 1, column 17)':
    'JSON_INVALID /any/@type: expected the URL of a known type (type.googleapis.com/…), found "x/demo.Missing" (line 1, column 17)',
  'JSON_INVALID /any: expected a member "@type", found none (line 1, column 8)':
    'JSON_INVALID /any: an Any needs "@type" with the URL of its type (line 1, column 8)',
  'JSON_INVALID /any: expected a member "value", found none (line 1, column 8)':
    'JSON_INVALID /any: an Any of google.protobuf.Duration needs "value" (line 1, column 8)',
  'JSON_INVALID /any: expected the required field "id", found none (line 1, column 8)':
    'JSON_INVALID /any: legacy.Old: lacks required "id" (line 1, column 8)',
  'JSON_INVALID /boolMap/TRUE: expected a bool (true or false) as the key, found "TRUE" (line 1, column 13)':
    'JSON_INVALID /boolMap/TRUE: expected "true" or "false", found "TRUE" (line 1, column 13)',
  'JSON_INVALID /boolValue: expected a bool (true or false), found "true" (line 1, column 14)':
    'JSON_INVALID /boolValue: expected true or false, found "true" (line 1, column 14)',
  "JSON_INVALID /boolValue: expected a bool (true or false), found 1 (line 1, column 14)":
    "JSON_INVALID /boolValue: expected true or false, found 1 (line 1, column 14)",
  'JSON_INVALID /bytesValue: expected bytes in base64, found "a b" (line 1, column 15)':
    'JSON_INVALID /bytesValue: expected a base64 string, found "a b" (line 1, column 15)',
  'JSON_INVALID /doubleValue: expected a double, found "nan" (line 1, column 16)':
    'JSON_INVALID /doubleValue: expected a number, found "nan" (line 1, column 16)',
  "JSON_INVALID /doubleValue: expected a double, found 1e400 (line 1, column 16)":
    "JSON_INVALID /doubleValue: expected a number that is finite, found 1e400 (line 1, column 16)",
  'JSON_INVALID /duration: expected a duration (seconds, such as "1.5s"), found 1 (line 1, column 13)':
    'JSON_INVALID /duration: expected a duration in seconds ("1.5s"), found 1 (line 1, column 13)',
  "JSON_INVALID /enumList/0: expected a value of the enum demo.All.EnumListEnum, found null (line 1, column 14)":
    "JSON_INVALID /enumList/0: expected a value of demo.All.EnumListEnum, found null (line 1, column 14)",
  'JSON_INVALID /enumValue: expected a value of the enum demo.All.EnumValueEnum, found "1" (line 1, column 14)':
    'JSON_INVALID /enumValue: expected a value of demo.All.EnumValueEnum, found "1" (line 1, column 14)',
  'JSON_INVALID /enumValue: expected a value of the enum demo.All.EnumValueEnum, found "ON" (did you mean "ONE"?) (line 1, column 14)':
    'JSON_INVALID /enumValue: expected a value of demo.All.EnumValueEnum, found "ON" (did you mean "ONE"?) (line 1, column 14)',
  "JSON_INVALID /enumValue: expected a value of the enum demo.All.EnumValueEnum, found 1.5 (line 1, column 14)":
    "JSON_INVALID /enumValue: expected a value of demo.All.EnumValueEnum, found 1.5 (line 1, column 14)",
  "JSON_INVALID /floatValue: expected a float, found 3.5e38 (line 1, column 15)":
    "JSON_INVALID /floatValue: expected a number, at most 3.4028235e38 in size, found 3.5e38 (line 1, column 15)",
  'JSON_INVALID /int32Map/1.0: expected each key once, found "1.0" again (line 1, column 22)':
    "JSON_INVALID /int32Map/1.0: the key is given twice (line 1, column 22)",
  'JSON_INVALID /int32Map/x: expected an int32 as the key, found "x" (line 1, column 14)':
    'JSON_INVALID /int32Map/x: expected an int32, found "x" (line 1, column 14)',
  "JSON_INVALID /int32Value: expected an int32 (in range), found 2147483648 (line 2, column 16)":
    "JSON_INVALID /int32Value: expected an int32, from -2147483648 to 2147483647, found 2147483648 (line 2, column 16)",
  "JSON_INVALID /int32Value: expected an int32, found 1e999999999 (line 1, column 15)":
    "JSON_INVALID /int32Value: expected an int32, from -2147483648 to 2147483647, found 1e999999999 (line 1, column 15)",
  "JSON_INVALID /int64Value: expected an int64 (in range), found 9223372036854775808 (line 1, column 15)":
    "JSON_INVALID /int64Value: expected an int64, from -9223372036854775808 to 9223372036854775807, found 9223372036854775808 (line 1, column 15)",
  "JSON_INVALID /kind: expected a value of the enum legacy.Old.KindEnum, found 3 (line 1, column 16)":
    "JSON_INVALID /kind: expected a value of legacy.Old.KindEnum, found 3 (line 1, column 16)",
  "JSON_INVALID /kinds/0: expected a value of the enum legacy.Old.KindsEnum, found 3 (line 1, column 18)":
    "JSON_INVALID /kinds/0: expected a value of legacy.Old.KindsEnum, found 3 (line 1, column 18)",
  "JSON_INVALID /list: expected an array, found an object (line 1, column 9)":
    "JSON_INVALID /list: expected a list, found an object (line 1, column 9)",
  'JSON_INVALID /mask: expected a field mask (paths in lowerCamelCase, joined by commas), found "a_b" (line 1, column 9)':
    'JSON_INVALID /mask: expected a field mask of camel-case paths ("user.displayName,photo"), found "a_b" (line 1, column 9)',
  'JSON_INVALID /oneInner: expected one field of the oneof "choice", found "oneInner" besides "oneString" (line 1, column 29)':
    'JSON_INVALID /oneInner: another field of the oneof "choice" is given as well (line 1, column 18)',
  'JSON_INVALID /oneString: expected one field of the oneof "choice", found "oneString" besides "oneValue" (line 1, column 30)':
    'JSON_INVALID /oneString: another field of the oneof "choice" is given as well (line 1, column 18)',
  "JSON_INVALID /stringMap: expected an object (a map), found an array (line 1, column 14)":
    "JSON_INVALID /stringMap: expected an object (a map), found a list (line 1, column 14)",
  'JSON_INVALID /stringValue: expected one spelling of a field, found "stringValue" and "string_value" (line 1, column 22)':
    "JSON_INVALID /stringValue: the field is given twice (line 1, column 22)",
  'JSON_INVALID /string_value: expected one spelling of a field, found "stringValue" and "string_value" (line 1, column 20)':
    "JSON_INVALID /string_value: the field is given twice (line 1, column 20)",
  'JSON_INVALID /struct/a/b: expected a double, found "1e400" (line 1, column 21)':
    "JSON_INVALID /struct/a/b: expected a JSON value that is finite, found 1e400 (line 1, column 21)",
  "JSON_INVALID /struct: expected an object, found an array (line 1, column 11)":
    "JSON_INVALID /struct: expected an object, found a list (line 1, column 11)",
  'JSON_INVALID /textList: expected an array, found "a" (line 1, column 13)':
    'JSON_INVALID /textList: expected a list, found "a" (line 1, column 13)',
  'JSON_INVALID /timestamp: expected a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z), found "2024-02-30T00:00:00Z" (line 1, column 14)':
    'JSON_INVALID /timestamp: expected an RFC 3339 time ("2024-02-29T12:00:00Z"), found "2024-02-30T00:00:00Z" (line 1, column 14)',
  "JSON_INVALID /timestamp: expected a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z), found an object (line 1, column 14)":
    'JSON_INVALID /timestamp: expected an RFC 3339 time ("2024-02-29T12:00:00Z"), found an object (line 1, column 14)',
  "JSON_INVALID /uint32Value: expected a uint32 (in range), found -1 (line 1, column 16)":
    "JSON_INVALID /uint32Value: expected a uint32, from 0 to 4294967295, found -1 (line 1, column 16)",
  "JSON_INVALID child.id: the required field is not set":
    'JSON_INVALID /child: legacy.Old: lacks required "id" (line 1, column 17)',
  '{"id":null} JSON_INVALID id: the required field is not set':
    "JSON_INVALID the body: legacy.Old: a required field is null (line 1, column 1)",
  "edition.Now JSON_INVALID id: the required field is not set":
    'JSON_INVALID the body: edition.Now: lacks required "id" (line 1, column 1)',
  "legacy.Old JSON_INVALID id: the required field is not set":
    'JSON_INVALID the body: legacy.Old: lacks required "id" (line 1, column 1)',
  "JSON_INVALID part.child.id: the required field is not set":
    'JSON_INVALID /part/child: legacy.Old: lacks required "id" (line 1, column 25)',
  "JSON_INVALID the body: expected an object (demo.All), found an array (line 1, column 1)":
    "JSON_INVALID the body: expected an object (demo.All), found a list (line 1, column 1)",
  'JSON_UNKNOWN_FIELD /[legacy.none]: expected a field of legacy.Open, found "[legacy.none]" (line 1, column 2)':
    'JSON_UNKNOWN_FIELD /[legacy.none]: legacy.Open has no field "[legacy.none]" (line 1, column 2)',
  'JSON_UNKNOWN_FIELD /__proto__: expected a field of demo.All, found "__proto__" (line 1, column 2)':
    'JSON_UNKNOWN_FIELD /__proto__: demo.All has no field "__proto__" (line 1, column 2)',
  'JSON_UNKNOWN_FIELD /any/more: expected a field of google.protobuf.Duration, found "more" (line 1, column 59)':
    'JSON_UNKNOWN_FIELD /any/more: an Any of google.protobuf.Duration has "value" alone (line 1, column 59)',
  'JSON_UNKNOWN_FIELD /constructor: expected a field of demo.All, found "constructor" (line 1, column 2)':
    'JSON_UNKNOWN_FIELD /constructor: demo.All has no field "constructor" (line 1, column 2)',
  'JSON_UNKNOWN_FIELD /empty/a: expected a field of google.protobuf.Empty, found "a" (line 1, column 11)':
    'JSON_UNKNOWN_FIELD /empty/a: google.protobuf.Empty has no field "a" (line 1, column 11)',
  'JSON_UNKNOWN_FIELD /inner/nme: expected a field of demo.Inner, found "nme" (did you mean "name"?) (line 1, column 11)':
    'JSON_UNKNOWN_FIELD /inner/nme: demo.Inner has no field "nme" (did you mean "name"?) (line 1, column 11)',
  'JSON_UNKNOWN_FIELD /stringvalue: expected a field of demo.All, found "stringvalue" (did you mean "stringValue"?) (line 1, column 2)':
    'JSON_UNKNOWN_FIELD /stringvalue: demo.All has no field "stringvalue" (did you mean "stringValue"?) (line 1, column 2)',
  'PARAM_INVALID list: "{}" is not JSON for a google.protobuf.ListValue: expected an array, found an object':
    'PARAM_INVALID list: "{}" is not JSON for a google.protobuf.ListValue: expected a list, found an object (line 1, column 1)',
  'PARAM_INVALID options: "" is not JSON for a google.protobuf.Struct: expected a JSON value, found the end of the document':
    'PARAM_INVALID options: "" is not JSON for a google.protobuf.Struct: expected an object, found the end of the text (line 1, column 1)',
  'PARAM_INVALID options: "x" is not JSON for a google.protobuf.Struct: expected a JSON value, found "x"':
    'PARAM_INVALID options: "x" is not JSON for a google.protobuf.Struct: expected an object, found x (line 1, column 1)',
  'PARAM_INVALID options: "{\\"a\\":1,\\"a\\":2}" is not JSON for a google.protobuf.Struct: expected each name once, found "a" again at /a':
    'PARAM_INVALID options: "{\\"a\\":1,\\"a\\":2}" is not JSON for a google.protobuf.Struct: the key is given twice (line 1, column 8) at /a',
};
